import type { MessageView } from '../../../../src/contract/index.ts'
import { Icon } from '../../../components/icon.tsx'
import { hourMs, spanWords } from '../../../components/spans.ts'
import { useText } from '../../../context.tsx'

interface TimerProps {
  readonly message: MessageView
  readonly now: number
}

/** Circumference of the dial's stroke, whose width is twice its radius: so it fills like a clock. */
const turn = 2 * Math.PI * 2.2

/** Hollow while it has not begun, then it fills as the time runs out. The words say the same. */
export function TimerDial({ message, now }: TimerProps) {
  const text = useText()
  const words = timerText(message, now, text)
  if (words === null) return null
  const { expiresAt, timerSeconds } = message
  const left = expiresAt === null ? 1 : Math.min(1, Math.max(0, (expiresAt - now) / (timerSeconds * 1000)))
  return (
    <span className="tmr" title={words}>
      <svg className="i" viewBox="0 0 20 20" role="img" aria-label={words}>
        <path d="M8 2.800h4" />
        <circle cx="10" cy="11" r="6.600" />
        {left === 1 ? (
          <path d="M10 8v3l2 1.400" />
        ) : (
          <circle
            className="fill"
            cx="10"
            cy="11"
            r="2.200"
            strokeDasharray={`${(1 - left) * turn} ${turn}`}
            transform="rotate(-90 10 11)"
          />
        )}
      </svg>
    </span>
  )
}

/** In the last hour it is said under the text too. */
export function SoonGone({ message, now }: TimerProps) {
  const text = useText()
  const { expiresAt } = message
  if (expiresAt === null || expiresAt - now > hourMs) return null
  return (
    <p className="soon">
      <Icon name="timer" small />
      {text('thread.timerLeft', { span: spanWords(text, expiresAt - now) })}
    </p>
  )
}

function timerText(message: MessageView, now: number, text: ReturnType<typeof useText>): string | null {
  const { expiresAt, timerSeconds } = message
  if (timerSeconds === 0) return null
  return expiresAt === null
    ? text('thread.timerAfter', { span: spanWords(text, timerSeconds * 1000) })
    : text('thread.timerLeft', { span: spanWords(text, expiresAt - now) })
}
