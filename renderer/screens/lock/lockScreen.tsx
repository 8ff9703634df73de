import { useEffect, useId, useRef, useState, type FormEvent } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { Managed } from '../../../src/contract/index.ts'
import { ErrorLine } from '../../components/errorLine.tsx'
import { Icon } from '../../components/icon.tsx'
import { LanguageSwitch } from '../../components/languageSwitch.tsx'
import { PasswordField } from '../../components/passwordField.tsx'
import { useNow, useServices, useWords } from '../../context.tsx'

interface LockScreenProps {
  readonly managed: Managed
  /** No attempt is taken before this time. */
  readonly waitUntil: number | null
}

/** Nothing of the vault is known here, not even whose it is. */
export function LockScreen({ managed, waitUntil }: LockScreenProps) {
  const { text, dates } = useWords()
  const { client, now } = useServices()
  const [passphrase, setPassphrase] = useState('')
  const [capsLock, setCapsLock] = useState(false)
  /** Opening was asked for with nothing typed. */
  const [nudged, setNudged] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ErrorReport | null>(null)
  const [ownWait, setOwnWait] = useState<number | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const errorId = useId()
  const hintId = useId()
  const until = Math.max(waitUntil ?? 0, ownWait ?? 0)
  const time = useNow(until > now() ? 1000 : 0)
  const waiting = until > time
  useEffect(() => {
    document.title = text('app.titleOf', { name: text('lock.title') })
  }, [text])
  useEffect(() => field.current?.focus(), [])

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setNudged(passphrase === '')
    if (passphrase === '') field.current?.focus()
    if (busy || waiting || passphrase === '') return
    setBusy(true)
    setError(null)
    const answer = await client.call('vault.unlock', { passphrase })
    setBusy(false)
    if (answer.ok) return
    setError(answer.error)
    const seconds = answer.error.details['seconds']
    if (typeof seconds === 'number') setOwnWait(now() + seconds * 1000)
    field.current?.select()
  }
  const left = error?.details['attemptsLeft']
  return (
    <>
      <main className="centred" data-region="main" aria-label={text('lock.title')}>
        <form className="centred-box lock" onSubmit={(event) => void submit(event)}>
          <div className="lock-head">
            <span className="av a1 lg" aria-hidden="true">
              <Icon name="lock" className="l" />
            </span>
            <div>
              <h1>{text('lock.title')}</h1>
              <p className="sub">{text('lock.lead')}</p>
            </div>
          </div>
          <div className="field">
            <PasswordField
              label={text('lock.passphrase')}
              autoComplete="current-password"
              value={passphrase}
              onChange={setPassphrase}
              onCapsLock={setCapsLock}
              invalid={error !== null}
              describedBy={`${errorId} ${hintId}`}
              inputRef={field}
            />
            <ErrorLine error={error} id={errorId} />
            <p className="hint" id={hintId}>
              {capsLock && <span className="caps">{text('lock.capsLock')}</span>}
              {nudged && passphrase === '' && <span>{text('lock.missing')}</span>}
              {typeof left === 'number' && <span>{text('lock.attemptsLeft', { count: left })}</span>}
              {waiting && <span>{text('lock.wait', { duration: dates.duration(until - time) })}</span>}
            </p>
          </div>
          <button
            type="submit"
            className="btn primary lg"
            aria-disabled={busy || waiting}
            aria-describedby={hintId}
          >
            {text(busy ? 'lock.unlocking' : 'lock.unlock')}
          </button>
        </form>
      </main>
      <footer className="lfoot stage-foot">
        <span>{text('lock.footer')}</span>
        <span className="stage-foot-end">
          {managed.helpContact !== '' && <span>{text('app.help', { contact: managed.helpContact })}</span>}
          <LanguageSwitch />
        </span>
      </footer>
    </>
  )
}
