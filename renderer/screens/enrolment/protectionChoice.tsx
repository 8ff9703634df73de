import { useId, useState } from 'react'
import type { Managed } from '../../../src/contract/index.ts'
import { Icon } from '../../components/icon.tsx'
import { PasswordField } from '../../components/passwordField.tsx'
import { useText } from '../../context.tsx'
import { characters, words } from './plan.ts'

export interface Protection {
  readonly kind: 'osKeyStore' | 'passphrase'
  readonly passphrase: string
  readonly confirmation: string
}

interface ProtectionChoiceProps {
  readonly offersKeyStore: boolean
  readonly managed: Managed
  readonly protection: Protection
  readonly onChange: (protection: Protection) => void
}

/** What opens the vault. Without a key store, or where policy asks for it, a passphrase is the only card. */
export function ProtectionChoice({ offersKeyStore, managed, protection, onChange }: ProtectionChoiceProps) {
  const text = useText()
  const hintId = useId()
  const choose = (kind: Protection['kind']): void => onChange({ ...protection, kind })
  return (
    <fieldset className="col protection">
      <legend className="label">{text('enrol.vault')}</legend>
      {offersKeyStore && (
        <label className={`radio${protection.kind === 'osKeyStore' ? ' on' : ''}`}>
          <input
            type="radio"
            name="protection"
            checked={protection.kind === 'osKeyStore'}
            onChange={() => choose('osKeyStore')}
          />
          <span className="radio-text">
            <b>{text('enrol.keyStore')}</b>
            <span className="hint">{text('enrol.keyStoreHint')}</span>
          </span>
        </label>
      )}
      <div className={`radio${protection.kind === 'passphrase' ? ' on' : ''}`}>
        <div className="grow">
          <label className="radio-head">
            <input
              type="radio"
              name="protection"
              checked={protection.kind === 'passphrase'}
              aria-describedby={hintId}
              onChange={() => choose('passphrase')}
            />
            <b>{text('enrol.passphrase')}</b>
            {managed.passphraseRequired && (
              <span className="tag">
                <Icon name="lock" small />
                {text('enrol.passphraseRequired')}
              </span>
            )}
          </label>
          <div className="radio-body">
            <p className="hint" id={hintId}>
              {text('enrol.passphraseHint')}
            </p>
            {protection.kind === 'passphrase' && (
              <PassphraseFields
                minimum={managed.passphraseMinLength}
                protection={protection}
                onChange={onChange}
              />
            )}
          </div>
        </div>
      </div>
    </fieldset>
  )
}

interface PassphraseFieldsProps {
  readonly minimum: number
  readonly protection: Protection
  readonly onChange: (protection: Protection) => void
}

function PassphraseFields({ minimum, protection, onChange }: PassphraseFieldsProps) {
  const text = useText()
  const countId = useId()
  const [shown, setShown] = useState(false)
  const { passphrase, confirmation } = protection
  const long = characters(passphrase) >= minimum
  const same = passphrase !== '' && passphrase === confirmation
  return (
    <>
      <div className="pair">
        <PasswordField
          label={text('enrol.passphrase')}
          autoComplete="new-password"
          value={passphrase}
          shown={shown}
          onShow={setShown}
          describedBy={countId}
          onChange={(value) => onChange({ ...protection, passphrase: value })}
        />
        <PasswordField
          label={text('enrol.confirm')}
          autoComplete="new-password"
          value={confirmation}
          shown={shown}
          invalid={confirmation !== '' && !passphrase.startsWith(confirmation)}
          end={same ? <Icon name="check" className="ok" label={text('enrol.confirmed')} /> : <span />}
          onChange={(value) => onChange({ ...protection, confirmation: value })}
        />
      </div>
      <p className="t13 counted" id={countId}>
        {long && (
          <span className="seal">
            <Icon name="check" small />
            {text('enrol.longEnough')}
          </span>
        )}
        <span className="muted">
          {text('enrol.passphraseCount', {
            words: words(passphrase),
            characters: characters(passphrase),
            minimum,
          })}
        </span>
      </p>
    </>
  )
}
