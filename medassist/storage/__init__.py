"""What lies on disk: settings, the audit trail, and the sample studies."""
