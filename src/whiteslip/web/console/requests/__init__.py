"""What people ask about their data, at the desk."""
