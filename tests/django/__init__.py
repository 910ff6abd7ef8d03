"""Django's mail through sendkit, in Django itself."""
