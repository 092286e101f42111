/** Limits of Secrets Manager. AWS: Secrets Manager User Guide, "AWS Secrets Manager quotas"; API reference. */
export const VALUE_BYTES_MAX = 65_536
/** Those without a stage make room for new ones; those with one do not. */
export const VERSIONS_MAX = 100
export const STAGES_PER_VERSION_MAX = 20
export const TAGS_MAX = 50
export const RECOVERY_DAYS_MIN = 7
export const RECOVERY_DAYS_MAX = 30
export const PASSWORD_LENGTH_MAX = 4_096
export const PASSWORD_LENGTH_DEFAULT = 32
