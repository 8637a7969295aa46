"""What runs a network: torch, the reference, or OpenVINO on the CPU."""
