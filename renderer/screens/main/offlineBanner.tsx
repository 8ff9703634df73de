import { Icon } from '../../components/icon.tsx'
import { useModel, useNow, useServices, useWords } from '../../context.tsx'
import { errorText } from '../../../src/text/index.ts'
import { readyOf } from '../../store/state.ts'

/**
 * Says since when, why where it is more than a missing network, and when the next attempt is; the countdown is not read
 * out each second. Where no attempt comes by itself any more, none is promised.
 */
export function OfflineBanner() {
  const { text, dates } = useWords()
  const { client } = useServices()
  const connection = useModel((model) => readyOf(model)?.connection ?? null)
  const offline = connection?.state === 'offline'
  const now = useNow(offline ? 1000 : 0)
  const reason = connection?.error?.code ?? 'relay.unreachable'
  const known = reason !== 'relay.unreachable'
  const nextAttemptAt = connection?.nextAttemptAt ?? null
  return (
    <div role="status" className="banner-slot">
      {connection !== null && offline && (
        <div className="banner warn" data-region="banner">
          <Icon name="offline" />
          <div className="grow">
            <b>{text('banner.offlineSince', { time: dates.clock(connection.since) })}</b>{' '}
            {known ? (
              <span>{errorText(text, reason)}</span>
            ) : (
              <span className="opt2">{text('banner.queued', { count: connection.queued })}</span>
            )}
          </div>
          {nextAttemptAt !== null && (
            <span className="t13 sub num opt" aria-hidden="true">
              {nextAttemptAt <= now
                ? text('banner.attempting')
                : text('banner.nextAttempt', { duration: dates.duration(nextAttemptAt - now) })}
            </span>
          )}
          <button type="button" className="btn" onClick={() => void client.call('connection.retry', {})}>
            <Icon name="retry" small />
            {text('banner.retry')}
          </button>
        </div>
      )}
    </div>
  )
}
