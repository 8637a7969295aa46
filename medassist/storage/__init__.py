"""Settings, samples and the audit trail on disk."""
