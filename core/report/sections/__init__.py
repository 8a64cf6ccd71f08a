"""One function per part of the model report: Contents -> Html."""
