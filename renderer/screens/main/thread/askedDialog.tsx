import type { Person } from '../../../../src/contract/index.ts'
import type { Allowed } from './allowed.ts'
import { DeleteDialog } from './deleteDialog.tsx'
import type { Asked } from './rowActions.ts'
import { VersionsDialog } from './versionsDialog.tsx'

interface AskedDialogProps {
  readonly asked: Asked | null
  readonly may: Allowed | null
  readonly person: Person
  readonly ownId: string
  readonly now: number
  readonly onLink: (address: string) => void
  readonly onClose: () => void
}

/** The dialog that a row has asked for. */
export function AskedDialog({ asked, may, person, ownId, now, onLink, onClose }: AskedDialogProps) {
  if (asked === null || may === null) return null
  const { message } = asked
  return asked.kind === 'delete' ? (
    <DeleteDialog message={message} may={may} name={person.displayName} onClose={onClose} />
  ) : (
    <VersionsDialog message={message} ownId={ownId} now={now} onLink={onLink} onClose={onClose} />
  )
}
