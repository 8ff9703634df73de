import { avatarTint, initials } from './avatarLook.ts'

interface AvatarProps {
  readonly name: string
  readonly accountId: string
  readonly size?: 'small' | 'large'
}

/** Decorative: the name always stands beside it. */
export function Avatar({ name, accountId, size }: AvatarProps) {
  const scale = size === undefined ? '' : size === 'large' ? ' lg' : ' sm'
  return (
    <span className={`av a${avatarTint(accountId)}${scale}`} aria-hidden="true">
      {initials(name)}
    </span>
  )
}
