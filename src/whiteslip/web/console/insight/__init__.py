"""How people leave, at the desk."""
