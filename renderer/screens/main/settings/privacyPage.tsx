import { useState } from 'react'
import type { ErrorReport } from '../../../../src/base/errors.ts'
import type { AccountSettings } from '../../../../src/contract/index.ts'
import { ErrorLine } from '../../../components/errorLine.tsx'
import { SwitchRow } from '../../../components/switch.tsx'
import { useModel, useServices, useText } from '../../../context.tsx'
import { readyOf } from '../../../store/state.ts'

const switches = [
  'deliveryReceipts',
  'readReceipts',
  'typingNotices',
] as const satisfies readonly (keyof AccountSettings)[]

/** What the other side is told of what one does. */
export function PrivacyPage() {
  const text = useText()
  const { client } = useServices()
  const settings = useModel((model) => readyOf(model)?.settings ?? null)
  const [error, setError] = useState<ErrorReport | null>(null)
  if (settings === null) return null
  const set = async (part: Partial<AccountSettings>): Promise<void> => {
    const answer = await client.call('account.settings', part)
    setError(answer.ok ? null : answer.error)
  }
  return (
    <>
      <section className="sgroup">
        <h3>{text('privacy.seen')}</h3>
        {switches.map((name) => (
          <SwitchRow
            key={name}
            label={text(`privacy.${name}`)}
            hint={text(`privacy.${name}Hint`)}
            on={settings[name]}
            onChange={(on) => void set({ [name]: on })}
          />
        ))}
      </section>
      <p className="hint">{text('privacy.scope')}</p>
      <ErrorLine error={error} />
    </>
  )
}
