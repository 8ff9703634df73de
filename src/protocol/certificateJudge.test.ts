import { SenderCertificate } from '@signalapp/libsignal-client'
import { afterAll, expect, it } from 'vitest'
import { CodedError } from '../base/errors.ts'
import { CertificateJudge } from './certificateJudge.ts'
import { testAuthority, testDevice } from './testkit.ts'

const [authority, other] = [testAuthority(), testAuthority()]
const device = testDevice(authority)
const until = 2_000_000_000_000
const bytes = authority.certificate(device, until)
afterAll(() => device.remove())

/** `good`, or the code of the refusal; libsignal may not even read what was tampered with. */
function judged(judge: CertificateJudge, certificate: Uint8Array, at = until - 1): string {
  let read: SenderCertificate
  try {
    read = SenderCertificate.deserialize(new Uint8Array(certificate))
  } catch {
    return 'unreadable'
  }
  try {
    judge.check(read, at)
    return 'good'
  } catch (error) {
    return error instanceof CodedError ? error.code : 'thrown'
  }
}

it('takes a certificate of its root, again and again, until it has expired', () => {
  const judge = new CertificateJudge(authority.trustRoot)
  expect([judged(judge, bytes), judged(judge, bytes)]).toEqual(['good', 'good'])
  expect(judged(judge, bytes, until)).toBe('certificate.expired')
  expect(judged(judge, bytes, until + 1)).toBe('certificate.expired')
})

it('takes none of another root, whatever it has taken before', () => {
  const judge = new CertificateJudge(authority.trustRoot)
  expect(judged(judge, bytes)).toBe('good')
  expect(judged(judge, other.certificate(device, until))).toBe('certificate.untrusted')
  expect(judged(new CertificateJudge(other.trustRoot), bytes)).toBe('certificate.untrusted')
})

it('takes no byte that was changed, after it has taken the true ones', () => {
  const judge = new CertificateJudge(authority.trustRoot)
  expect(judged(judge, bytes)).toBe('good')
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
    expect(judged(judge, changed), `byte ${at}`).not.toBe('good')
  }
  expect(judged(judge, bytes)).toBe('good')
})
