"""What leaving freed, and plans for it that two people agree on."""
