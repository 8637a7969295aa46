"""The application without a face: one frozen state, the actions that change it, and the long jobs."""
