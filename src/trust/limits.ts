import { DAY_MS, HOUR_MS } from '#base/durations.ts'

/** Of the authorities behind ECC 384 and RSA 4096, as on RDS: 100 years. Milliseconds. */
export const CA_LIFE_MS = 36_525 * DAY_MS

/** Of the authority behind RSA 2048, as on RDS: 40 years. Milliseconds. */
export const CA_LIFE_RSA2048_MS = 14_610 * DAY_MS

/** Of a server's certificate, as on RDS: a year; it is renewed long before. Milliseconds. */
export const SERVER_CERTIFICATE_LIFE_MS = 365 * DAY_MS

/** A certificate is valid from a little before it was made, for clients whose clock is behind. Milliseconds. */
export const CLOCK_TOLERANCE_MS = HOUR_MS

/** RFC 5280, appendix A.1, ub-common-name. Characters. */
export const COMMON_NAME_CHARS_MAX = 64

/** RFC 1035, 2.3.4: a DNS name has at most 253 characters when written out. */
export const DNS_NAME_CHARS_MAX = 253

/** PostgreSQL's scram_iterations default. */
export const SCRAM_ITERATIONS = 4_096

/** What a server may ask of us at a login: some seconds of one processor. */
export const SCRAM_ITERATIONS_MAX = 10_000_000

/** Characters of a password that RDS makes and keeps in Secrets Manager. */
export const PASSWORD_CHARS = 28
