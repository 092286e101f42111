/**
 * The format of everything in an archive: some facts and some bytes, compressed, under one checksum. Whoever reads a
 * piece gets what was written, or {@link DamagedPiece}.
 *
 *   0    "HFP1"
 *   4    SHA-256 of everything behind it         32 bytes
 *   36   length of the facts                     u32, little-endian
 *   40   length of the content, uncompressed     u32, little-endian
 *   44   facts                                   JSON
 *   …    content                                 one Zstandard frame
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { assert } from '#base/assert.ts'
import { COMPRESSION_LEVEL, PIECE_BYTES_MAX, PIECE_FACTS_BYTES_MAX } from './limits.ts'

const MAGIC = 'HFP1'
const SUM_AT = 4
const LENGTHS_AT = 36
const FACTS_AT = 44

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** The object is there, and is not what was written. */
export class DamagedPiece extends Error {
  override readonly name = 'DamagedPiece'
}

export async function encodePiece(facts: object, content: Uint8Array): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify(facts))
  assert(content.length <= PIECE_BYTES_MAX && text.length <= PIECE_FACTS_BYTES_MAX, 'a piece keeps to its limits')
  const head = Buffer.alloc(FACTS_AT)
  head.write(MAGIC, 0, 'latin1')
  head.writeUInt32LE(text.length, LENGTHS_AT)
  head.writeUInt32LE(content.length, LENGTHS_AT + 4)
  const frame = await compress(content, { params: { [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL } })
  const piece = Buffer.concat([head, text, frame])
  sumOf(piece).copy(piece, SUM_AT)
  return piece
}

/** Throws {@link DamagedPiece} for anything but a whole piece. The facts are as they were given, by their writer's type. */
export async function decodePiece(piece: Buffer): Promise<{ facts: unknown; content: Buffer }> {
  if (piece.length < FACTS_AT || piece.toString('latin1', 0, SUM_AT) !== MAGIC) throw new DamagedPiece('it is no piece')
  if (!sumOf(piece).equals(piece.subarray(SUM_AT, LENGTHS_AT))) throw new DamagedPiece('its checksum is wrong')
  const [factsBytes, contentBytes] = [piece.readUInt32LE(LENGTHS_AT), piece.readUInt32LE(LENGTHS_AT + 4)]
  if (contentBytes > PIECE_BYTES_MAX) throw new DamagedPiece('it is too long')
  try {
    const facts: unknown = JSON.parse(piece.toString('utf8', FACTS_AT, FACTS_AT + factsBytes))
    // A content of nothing decompresses to nothing, for which zlib wants a limit of one byte all the same.
    const content = await decompress(piece.subarray(FACTS_AT + factsBytes), {
      maxOutputLength: Math.max(contentBytes, 1),
    })
    if (content.length === contentBytes) return { facts, content }
  } catch (error) {
    throw new DamagedPiece('it cannot be decompressed', { cause: error })
  }
  throw new DamagedPiece('it has another length')
}

function sumOf(piece: Buffer): Buffer {
  return createHash('sha256').update(piece.subarray(LENGTHS_AT)).digest()
}
