import { useState } from 'react'
import { exhausted } from '../../../src/base/exhaustive.ts'
import type { CallInput } from '../../../src/contract/index.ts'
import type { Text } from '../../../src/text/index.ts'
import { useText } from '../../context.tsx'
import type { EnrolmentState } from './enrolmentScreen.tsx'
import { passphraseProblem, type PassphraseProblem } from './plan.ts'
import type { Protection } from './protectionChoice.tsx'

export interface WorkstationForm {
  readonly deviceName: string
  readonly setDeviceName: (name: string) => void
  readonly offersKeyStore: boolean
  readonly protection: Protection
  readonly setProtection: (protection: Protection) => void
  /** Why the form cannot be sent yet; null: it can. */
  readonly reason: string | null
  /** What both ways of enrolment send. */
  readonly input: Pick<CallInput<'enrolment.complete'>, 'deviceName' | 'protection'>
}

/** Name and protection of this workstation, as both ways of enrolment ask for them. */
export function useProtection(state: EnrolmentState): WorkstationForm {
  const text = useText()
  const [deviceName, setDeviceName] = useState(state.deviceName)
  const offersKeyStore = state.osKeyStore && !state.managed.passphraseRequired
  const [protection, setProtection] = useState<Protection>({
    kind: offersKeyStore ? 'osKeyStore' : 'passphrase',
    passphrase: '',
    confirmation: '',
  })
  const { kind, passphrase, confirmation } = protection
  const problem =
    kind === 'passphrase'
      ? passphraseProblem(passphrase, confirmation, state.managed.passphraseMinLength)
      : null
  return {
    deviceName,
    setDeviceName,
    offersKeyStore,
    protection,
    setProtection,
    reason: deviceName.trim() === '' ? text('enrol.deviceNameMissing') : problemText(text, problem),
    input: {
      deviceName: deviceName.trim(),
      protection: kind === 'osKeyStore' ? { kind } : { kind, passphrase },
    },
  }
}

function problemText(text: Text, problem: PassphraseProblem | null): string | null {
  if (problem === null) return null
  switch (problem.kind) {
    case 'short':
      return text('enrol.passphraseShort', { count: problem.missing })
    case 'unconfirmed':
      return text('enrol.passphraseConfirm')
    case 'differs':
      return text('enrol.passphraseDiffers')
    default:
      return exhausted(problem)
  }
}
