import { useId, useRef, useState, type FormEvent } from 'react'
import type { ErrorReport } from '../../../../src/base/errors.ts'
import { exhausted } from '../../../../src/base/exhaustive.ts'
import type { Text } from '../../../../src/text/index.ts'
import { copyText } from '../../../components/clipboard.ts'
import { Dialog } from '../../../components/dialog.tsx'
import { ErrorLine } from '../../../components/errorLine.tsx'
import { Icon } from '../../../components/icon.tsx'
import { useServices, useText } from '../../../context.tsx'
import { readLinkCode, type LinkCodeInput } from '../../../components/linkCode.ts'

interface AdditionDialogProps {
  readonly relay: string
  readonly onClose: () => void
  readonly onLinked: () => void
}

/** The old device's half of linking: what the new one needs, then the code that it shows, typed by hand. */
export function AdditionDialog({ relay, onClose, onLinked }: AdditionDialogProps) {
  const text = useText()
  const { client } = useServices()
  const [typed, setTyped] = useState('')
  const [stage, setStage] = useState<'typing' | 'busy' | 'done'>('typing')
  const [error, setError] = useState<ErrorReport | null>(null)
  const formId = useId()
  const field = useRef<HTMLInputElement>(null)
  const input = readLinkCode(typed)
  const reason = reasonOf(text, input)
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (stage !== 'typing' || input.kind !== 'complete') return
    setStage('busy')
    setError(null)
    const answer = await client.call('device.link', { code: input.code })
    setStage(answer.ok ? 'done' : 'typing')
    if (answer.ok) onLinked()
    else {
      setError(answer.error)
      field.current?.focus()
    }
  }
  return (
    <Dialog
      title={text('addition.title')}
      onClose={onClose}
      footer={
        <>
          <span className="hint grow" id={`${formId}-reason`}>
            {stage === 'done' ? null : reason}
          </span>
          <button type="button" className="btn lg" onClick={onClose}>
            {text(stage === 'done' ? 'dialog.close' : 'dialog.cancel')}
          </button>
          {stage !== 'done' && (
            <button
              type="submit"
              form={formId}
              className="btn primary lg"
              aria-disabled={stage === 'busy' || reason !== null}
              aria-describedby={`${formId}-reason`}
            >
              {text(stage === 'busy' ? 'addition.busy' : 'addition.confirm')}
            </button>
          )}
        </>
      }
    >
      <p role="status" className={stage === 'done' ? 'note ok' : 'vh'}>
        {stage === 'done' && text('addition.done')}
      </p>
      {stage !== 'done' && (
        <form id={formId} className="col form-fields" onSubmit={(event) => void submit(event)}>
          <RelayText relay={relay} />
          <div className="note warn">
            <Icon name="warning" />
            <p id={`${formId}-warning`}>{text('addition.warning')}</p>
          </div>
          <div className="field">
            <p>{text('addition.type')}</p>
            <label htmlFor={`${formId}-code`}>{text('addition.code')}</label>
            <div className={error === null ? 'input' : 'input err'}>
              <input
                ref={field}
                id={`${formId}-code`}
                className="grow mono code"
                value={typed}
                maxLength={64}
                autoComplete="off"
                spellCheck={false}
                aria-describedby={`${formId}-hint ${formId}-warning ${formId}-error`}
                aria-invalid={error === null ? undefined : true}
                onChange={(event) => {
                  setError(null)
                  setTyped(event.target.value)
                }}
              />
              <Icon name="key" />
            </div>
            <span className="hint" id={`${formId}-hint`}>
              {text('addition.codeHint')}
            </span>
            <ErrorLine error={error} id={`${formId}-error`} />
          </div>
        </form>
      )}
    </Dialog>
  )
}

function RelayText({ relay }: { readonly relay: string }) {
  const text = useText()
  const id = useId()
  const [copied, setCopied] = useState(false)
  return (
    <div className="field">
      <p>{text('addition.start')}</p>
      <label htmlFor={id}>{text('addition.relay')}</label>
      <div className="input ro">
        <Icon name="server" />
        <input id={id} className="grow mono" readOnly value={relay} />
        <button
          type="button"
          className="btn quiet slim"
          data-first=""
          onClick={() => {
            copyText(relay)
            setCopied(true)
          }}
        >
          <Icon name="copy" small />
          {text('addition.copy')}
        </button>
      </div>
      <span className="hint" role="status">
        {copied && text('addition.copied')}
      </span>
    </div>
  )
}

function reasonOf(text: Text, input: LinkCodeInput): string | null {
  switch (input.kind) {
    case 'empty':
      return text('addition.empty')
    case 'missing':
      return text('addition.missing', { count: input.count })
    case 'excess':
      return text('addition.excess', { count: input.count })
    case 'complete':
      return null
    default:
      return exhausted(input)
  }
}
