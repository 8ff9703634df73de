import { useState } from 'react'
import type { Person } from '../../../src/contract/index.ts'
import { copyText } from '../../components/clipboard.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { Spelled } from '../../components/spelled.tsx'
import { useText } from '../../context.tsx'
import { useSafetyNumber, type SafetyNumber } from './useSafetyNumber.ts'

interface SafetyNumberDialogProps {
  readonly person: Person
  readonly onClose: () => void
}

/** The number that two people compare by voice, and what follows from it. It opens on nothing that trusts. */
export function SafetyNumberDialog({ person, onClose }: SafetyNumberDialogProps) {
  const text = useText()
  const { number, error, busy, markSame, acceptUncompared, takeBack } = useSafetyNumber(person.accountId)
  const [careless, setCareless] = useState(false)
  const name = person.displayName
  const closeIf = async (act: Promise<boolean>): Promise<void> => {
    if (await act) onClose()
  }
  return (
    <Dialog
      title={text('verify.title', { name })}
      lead={text('verify.lead')}
      onClose={onClose}
      footer={
        <>
          {number?.pending === true && (
            <button
              type="button"
              className="btn quiet lg"
              aria-expanded={careless}
              onClick={() => setCareless(!careless)}
            >
              {text('verify.careless')}
            </button>
          )}
          <span className="grow" />
          {number?.verified === true && (
            <button type="button" className="btn dgr-o lg" onClick={() => void closeIf(takeBack())}>
              {text('verify.undo')}
            </button>
          )}
          <button type="button" className="btn lg" data-first="" onClick={onClose}>
            {text(number?.verified === true ? 'dialog.close' : 'verify.later')}
          </button>
          {number !== null && !number.verified && (
            <button
              type="button"
              className="btn primary lg"
              aria-disabled={busy}
              onClick={() => void closeIf(markSame())}
            >
              <Icon name="seal" small />
              {text('verify.same')}
            </button>
          )}
        </>
      }
    >
      {number === null ? (
        error === null && <p className="hint">{text('verify.loading')}</p>
      ) : (
        <Comparison number={number} />
      )}
      <ErrorLine error={error} />
      {careless && number?.pending === true && (
        <div ref={(note) => note?.scrollIntoView({ block: 'nearest' })} className="note danger" role="status">
          <Icon name="warning" />
          <div className="col">
            <p>{text('verify.carelessWhy', { name })}</p>
            <div className="acts">
              <button type="button" className="btn dgr-o" onClick={() => void closeIf(acceptUncompared())}>
                {text('verify.carelessConfirm')}
              </button>
            </div>
          </div>
        </div>
      )}
    </Dialog>
  )
}

function Comparison({ number }: { readonly number: SafetyNumber }) {
  const text = useText()
  const standing = number.verified
    ? 'verify.isVerified'
    : number.pending
      ? 'verify.isPending'
      : 'verify.isNotVerified'
  return (
    <>
      <div>
        <div className="part-head">
          <h3>{text('verify.number')}</h3>
          <button type="button" className="btn quiet slim" onClick={() => copyText(number.groups.join(' '))}>
            <Icon name="copy" small />
            {text('verify.copy')}
          </button>
        </div>
        <Spelled groups={number.groups} label={text('verify.numberLabel')} className="sn" />
      </div>
      <p className={number.verified ? 'seal' : number.pending ? 'warn' : 'muted'}>{text(standing)}</p>
      <ol className="numbered">
        <li>{text('verify.meet')}</li>
        <li>{text('verify.read')}</li>
        <li>{text('verify.mark')}</li>
      </ol>
      <div className="note">
        <Icon name="info" />
        <p>{text('verify.differ')}</p>
      </div>
    </>
  )
}
