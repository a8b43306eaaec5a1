"""Running: a plan of trials, the drive through one flow, the policy of retries, the workers of local engines."""
