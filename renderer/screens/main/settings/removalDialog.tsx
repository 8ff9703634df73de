import { useId, useState } from 'react'
import type { ErrorReport } from '../../../../src/base/errors.ts'
import type { DeviceView } from '../../../../src/contract/index.ts'
import { Dialog } from '../../../components/dialog.tsx'
import { ErrorLine } from '../../../components/errorLine.tsx'
import { useServices, useText } from '../../../context.tsx'

interface RemovalDialogProps {
  readonly device: DeviceView
  readonly onClose: () => void
  readonly onRemoved: () => void
}

const reasons = ['retired', 'lost'] as const

/** A device is not removed without saying why: what follows for the account's identity depends on it. */
export function RemovalDialog({ device, onClose, onRemoved }: RemovalDialogProps) {
  const text = useText()
  const { client } = useServices()
  const [reason, setReason] = useState<(typeof reasons)[number] | null>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ErrorReport | null>(null)
  const group = useId()
  const reasonId = useId()
  const { deviceId, name } = device
  const remove = async (): Promise<void> => {
    if (busy || reason === null) return
    setBusy(true)
    setError(null)
    const answer = await client.call('device.remove', { deviceId, reason })
    setBusy(false)
    if (!answer.ok) {
      setError(answer.error)
      return
    }
    onRemoved()
    onClose()
  }
  return (
    <Dialog
      title={text('removal.title', { name })}
      narrow
      onClose={onClose}
      footer={
        <>
          <span className="hint grow" id={reasonId}>
            {reason === null && text('removal.reason')}
          </span>
          <button type="button" className="btn lg" onClick={onClose}>
            {text('dialog.cancel')}
          </button>
          <button
            type="button"
            className="btn dgr lg"
            aria-disabled={busy || reason === null}
            aria-describedby={reasonId}
            onClick={() => void remove()}
          >
            {text(busy ? 'removal.busy' : 'removal.confirm')}
          </button>
        </>
      }
    >
      <fieldset className="col protection">
        <legend className="label">{text('removal.why')}</legend>
        {reasons.map((one, index) => (
          <label key={one} className={`radio${one === reason ? ' on' : ''}`}>
            <input
              type="radio"
              name={group}
              checked={one === reason}
              data-first={index === 0 ? '' : undefined}
              onChange={() => setReason(one)}
            />
            <span className="radio-text">
              <b>{text(`removal.${one}`)}</b>
              <span className="hint">{text(`removal.${one}Hint`)}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <ErrorLine error={error} />
    </Dialog>
  )
}
