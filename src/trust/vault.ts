/** Seals what may only be stored encrypted. `openVault` (open-vault.ts) makes one from the state folder's key. */
export interface Vault {
  /** AES-256-GCM, base64. `label` is authenticated with it: a sealed text cannot be moved to another place. */
  seal(clear: string, label: string): string
  /** Throws when the text was altered, or sealed under another key or label. */
  open(sealed: string, label: string): string
  /** 32 bytes, always the same for the same label and key: for secrets that need not be stored. */
  derive(label: string): Buffer
}
