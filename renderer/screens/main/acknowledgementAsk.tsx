import { Icon } from '../../components/icon.tsx'
import { hourMs, spanWords } from '../../components/spans.ts'
import { useText } from '../../context.tsx'

/** How a message asks to be taken into account: null not at all, 0 without a deadline, else within so many ms. */
export type Asking = number | null

const spans: readonly number[] = [hourMs, 4 * hourMs, 24 * hourMs]

interface AcknowledgementAskProps {
  readonly asking: Asking
  readonly onChange: (asking: Asking) => void
}

export function AcknowledgementAsk({ asking, onChange }: AcknowledgementAskProps) {
  const text = useText()
  const label = text('composer.askAcknowledgement')
  return (
    <>
      <button
        type="button"
        className="ib"
        aria-label={label}
        title={label}
        aria-pressed={asking !== null}
        onClick={() => onChange(asking === null ? 0 : null)}
      >
        <Icon name="noted" />
      </button>
      {asking !== null && (
        <span className="select slim">
          <select
            value={asking}
            aria-label={text('composer.deadline')}
            onChange={(event) => onChange(Number(event.target.value))}
          >
            <option value={0}>{text('composer.deadlineNone')}</option>
            {spans.map((span) => (
              <option key={span} value={span}>
                {text('composer.deadlineIn', { span: spanWords(text, span) })}
              </option>
            ))}
          </select>
          <Icon name="down" small />
        </span>
      )}
    </>
  )
}
