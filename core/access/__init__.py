"""Who may do what: roles, what each of them may call, tokens of programs, settings changed while it runs, the audit."""

__all__ = ["audit", "guard", "live", "permissions", "roles", "sign_outs", "tokens"]
