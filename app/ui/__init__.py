"""The frame of every page: shell, navigation, session, services, errors."""
