"""What trains and judges models, from data files to a model folder: serving never comes here."""
