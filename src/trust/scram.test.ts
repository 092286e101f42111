import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { scramVerifier } from './scram.ts'

/** Made by PostgreSQL 18.4 itself: `CREATE ROLE … PASSWORD …; SELECT rolpassword FROM pg_authid`. */
const FROM_POSTGRES: readonly (readonly [what: string, password: string, verifier: string])[] = [
  [
    'plain ASCII',
    'Plain!pass',
    'SCRAM-SHA-256$4096:QvPXIhnWAhrP99lPRYa/yw==$00VkYoO6XzJExJ/VgJLbLzbnI3Nqe9t44CAALMUWeJQ=:akRYoikgcOnzkcIu1uEYc7py0GDMCylxt9cTCBzPsr8=',
  ],
  [
    'a soft hyphen, which is left out',
    'I\u00ADX',
    'SCRAM-SHA-256$4096:yvz4cf7KyiUi/x/PbR2BhQ==$JqoYoQzkKIfZOYV4KVO697pVmVgccrOVFHoh1HpdPnU=:4xjMuZvmtQ7mH0JUtKea1Sk5Upl5STd9dPixD+JesZw=',
  ],
  [
    'a Roman numeral, which is normalised',
    '\u2168',
    'SCRAM-SHA-256$4096:yqL06GInzAbVk6aKjL5DoQ==$e0TMJLptjnYJgAtFy+3NPBG2NKR1SJicDMnvMFGsCto=:SsGnA5bmeI01BCZcLJKYB611kx3uc1d1I2yO8Rxc0w4=',
  ],
  [
    'Arabic that ends in a digit, which is forbidden',
    '\u0627\u0031',
    'SCRAM-SHA-256$4096:yPKLBcs9yPQvhTB3HQB72g==$HuTlWJQ/0HeKYTEtdwI5/o+BOJ8MoZHJEW0N1eGccps=:L5jODYpnTcb/nviNcChBrbthVWZlvJS3v//y6QWNn0g=',
  ],
  [
    'Arabic',
    '\u0627\u0628',
    'SCRAM-SHA-256$4096:NJe2lKXI2yUADd08x7DKMw==$bKsQEwa/x3s/dz8EbaKL60vmVVF2ajWkdXoINupYQ6E=:wCQlfBcMtHX2jZdd9ReTYpJNPPJaN+fXY1yvnjVtvUM=',
  ],
  [
    'umlauts and a wide space, which becomes a narrow one',
    'p\u00E4ss\u3000w\u00F6rd',
    'SCRAM-SHA-256$4096:fb+mGD2l/Quco6N5KyTNUA==$AKOtYnWIjsm1I2i8oaQKm3rMsM0uHpbyNCV/BnV+mrw=:afEdP61gxe86bLrj8WmMnCG/0qESq2WVo0DeYkD+ZaQ=',
  ],
  [
    'an emoji, which Unicode 3.2 did not have',
    'emoji\u{1F600}x',
    'SCRAM-SHA-256$4096:bc5CP0kOGOGEwx7aUEIxCw==$SrXt+LNPhxIRARyuRCAHi7uscUR04C2LA3EeEm8rld8=:u9ZtFXV3AiFwArB9kur34c87WUJu2TVA5hEq78zVxag=',
  ],
  [
    'nothing but a soft hyphen',
    '\u00AD',
    'SCRAM-SHA-256$4096:fbP/AnnZBPD+Y0I9CFljJg==$eazdPOuQ1+KTrCfCAcbQgPrJZFCPYbjEc9gvuzdn5JM=:aYj1sQXUZDu7NJcyD/KHd31ZsRMnv4Al3qk9ULkSmdg=',
  ],
  [
    'a combining accent and a zero-width space',
    'e\u0301\u200Bx',
    'SCRAM-SHA-256$4096:j5tePFd0gHvxdsPLj1J6AA==$NTnr7QgYCFlaPekvVwCUusN1qrHphJu7bazvPZBcAak=:khR8ZhToVlgjbcb63LK7Z2HAmgg6DlnF50TRDxPGtoo=',
  ],
  [
    'a hard space, a word joiner and a ligature',
    'x\u00A0\u2060y\uFB01',
    'SCRAM-SHA-256$4096:BooqExgJ6YIegRxPS1+CPw==$TRuy4915xvUrgVXF5inh8q2ZgR1xwQIIWc72fV2EStg=:IxfL647WQkUmKbbICmBTD6WhtXuhk5bQLzoXYM2V58I=',
  ],
  [
    'a deprecated accent, forbidden although normalisation would replace it',
    'ok\u00E9\u0340',
    'SCRAM-SHA-256$4096:8mm18J/EuVJnpZEAjEx3lw==$ufPIp7DQ/MEGpWQZqZipIfZgdsrSNaXjqcZNFOnWAs4=:yQSrs68txOfIb87Lx4eAu/Mjtag+7gSifkNNfTsCDrU=',
  ],
]

for (const [what, password, verifier] of FROM_POSTGRES) {
  test(`the verifier is PostgreSQL's for ${what}`, async () => {
    const salt = Buffer.from(/:(.*?)\$/.exec(verifier)![1]!, 'base64')
    assert.equal(await scramVerifier(password, { salt }), verifier)
  })
}

test('the server key signs the exchange of RFC 7677, section 3', async () => {
  const verifier = await scramVerifier('pencil', { salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64') })
  const serverKey = Buffer.from(verifier.slice(verifier.lastIndexOf(':') + 1), 'base64')
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const exchange = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`
  const signature = createHmac('sha256', serverKey).update(exchange).digest('base64')
  assert.equal(signature, '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
})

test('the number of iterations can be chosen', async () => {
  const salt = Buffer.alloc(16)
  const few = await scramVerifier('secret', { salt, iterations: 1 })
  assert.match(few, /^SCRAM-SHA-256\$1:/)
  assert.notEqual(few.split('$')[2], (await scramVerifier('secret', { salt })).split('$')[2])
})
