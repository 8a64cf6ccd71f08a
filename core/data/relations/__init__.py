"""How columns go with each other and with the target: arithmetic, no words for people but method names."""
