"""What can be learned: one file per task, all with the same door."""
