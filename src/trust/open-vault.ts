import { createCipheriv, createDecipheriv, createHash, hkdfSync, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { makeFolder } from '#host/disk.ts'
import { createPrivateFile, readPrivateFile } from '#host/private-file.ts'
import { systemRandom } from '#host/random.ts'
import type { Random } from '#host/random.ts'
import type { Vault } from './vault.ts'

/*
 * The key file, one line:   holdfast-vault-key:1:<key, 32 bytes, base64url>:<check, 8 bytes, base64url>
 * A sealed text, base64:    | 1 (version) | nonce, 12 bytes | tag, 16 bytes | ciphertext |
 */
const KEY_FILE = 'vault.key'
const KEY_MARK = 'holdfast-vault-key:1'
const KEY_BYTES = 32
const CHECK_BYTES = 8
const SEAL_VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES

/**
 * The vault of a state folder. Its key is `vault.key` there, made at first use; of processes that start at once all
 * get the same key. Without that file nothing that was sealed can ever be opened: it belongs into backups.
 */
export async function openVault(folder: string, random: Random = systemRandom): Promise<Vault> {
  const path = join(folder, KEY_FILE)
  let text = await readPrivateFile(path)
  if (text === undefined) {
    await makeFolder(folder)
    await createPrivateFile(path, keyText(random.bytes(KEY_BYTES)))
    // Read back, because another process may have been first.
    text = (await readPrivateFile(path)) ?? ''
  }
  return vaultOf(parseKey(text, path), random)
}

function vaultOf(master: Buffer, random: Random): Vault {
  const sealKey = expand(master, 'seal')
  return {
    seal(clear, label) {
      const nonce = random.bytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce).setAAD(Buffer.from(label))
      const body = Buffer.concat([cipher.update(clear, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(SEAL_VERSION), nonce, cipher.getAuthTag(), body]).toString('base64')
    },
    open(sealed, label) {
      const bytes = Buffer.from(sealed, 'base64')
      try {
        if (bytes.length < HEAD_BYTES || bytes[0] !== SEAL_VERSION) throw new Error('not a sealed text')
        const nonce = bytes.subarray(1, 1 + NONCE_BYTES)
        const decipher = createDecipheriv('aes-256-gcm', sealKey, nonce, { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(label)).setAuthTag(bytes.subarray(1 + NONCE_BYTES, HEAD_BYTES))
        return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final()]).toString('utf8')
      } catch (cause) {
        throw new Error(`open ${label}: it was altered, or sealed under another key or label`, { cause })
      }
    },
    derive: (label) => expand(master, `derive/${label}`),
  }
}

/** Keys for different purposes from one: none of them tells anything about another. */
function expand(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `holdfast/${purpose}`, KEY_BYTES))
}

function keyText(key: Buffer): string {
  return `${KEY_MARK}:${key.toString('base64url')}:${check(key).toString('base64url')}\n`
}

/** The check tells a damaged key from a right one at the start, instead of by every secret failing to open later. */
function check(key: Buffer): Buffer {
  return createHash('sha256').update('holdfast/check').update(key).digest().subarray(0, CHECK_BYTES)
}

function parseKey(text: string, path: string): Buffer {
  const [name, version, keyPart = '', checkPart = ''] = text.trim().split(':')
  const key = Buffer.from(keyPart, 'base64url')
  const found = Buffer.from(checkPart, 'base64url')
  const isKey = `${name}:${version}` === KEY_MARK && key.length === KEY_BYTES && found.length === CHECK_BYTES
  if (isKey && timingSafeEqual(found, check(key))) return key
  throw new Error(
    `${path} is damaged: it is no vault key. Put it back from a backup; ` +
      'without it the passwords and secrets in this state folder cannot be opened',
  )
}
