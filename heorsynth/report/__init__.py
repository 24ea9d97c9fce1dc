"""Tables, figures and the dossier."""
