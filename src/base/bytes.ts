/** Bytes in the binary units that AWS calls KB, MB and GB. */
export const KIB = 1_024
export const MIB = 1_024 * KIB
export const GIB = 1_024 * MIB
