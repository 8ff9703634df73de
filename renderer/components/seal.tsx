import type { ConversationView } from '../../src/contract/index.ts'
import { useText } from '../context.tsx'
import { Icon } from './icon.tsx'

/** Beside a name, only for an identity that was verified or has changed. */
export function Seal({ identity }: { readonly identity: ConversationView['identity'] }) {
  const text = useText()
  if (identity !== 'verified' && identity !== 'changed') return null
  const words = text(`seal.${identity}`)
  return (
    <span className={identity === 'verified' ? 'seal-mark ok' : 'seal-mark warn'} title={words}>
      <Icon name={identity === 'verified' ? 'seal' : 'sealBroken'} small label={words} />
    </span>
  )
}
