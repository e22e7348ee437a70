"""I cannot pay as agreed: what may be agreed instead."""
