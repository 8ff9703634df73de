import { Icon } from '../../components/icon.tsx'
import { useModel, useNow, useServices, useWords } from '../../context.tsx'
import { readyOf } from '../../store/state.ts'

/** Says since when, what it means and when the next attempt is; the countdown is not read out each second. */
export function OfflineBanner() {
  const { text, dates } = useWords()
  const { client } = useServices()
  const connection = useModel((model) => readyOf(model)?.connection ?? null)
  const offline = connection?.state === 'offline'
  const now = useNow(offline ? 1000 : 0)
  const left = (connection?.nextAttemptAt ?? 0) - now
  return (
    <div role="status" className="banner-slot">
      {connection !== null && offline && (
        <div className="banner warn" data-region="banner">
          <Icon name="offline" />
          <div className="grow">
            <b>{text('banner.offlineSince', { time: dates.clock(connection.since) })}</b>{' '}
            <span className="opt2">{text('banner.queued', { count: connection.queued })}</span>
          </div>
          <span className="t13 sub num opt" aria-hidden="true">
            {left <= 0
              ? text('banner.attempting')
              : text('banner.nextAttempt', { duration: dates.duration(left) })}
          </span>
          <button type="button" className="btn" onClick={() => void client.call('connection.retry', {})}>
            <Icon name="retry" small />
            {text('banner.retry')}
          </button>
        </div>
      )}
    </div>
  )
}
