import { useEffect, useState } from 'react'
import type { ErrorReport } from '../../../../src/base/errors.ts'
import type { MessageVersion, MessageView } from '../../../../src/contract/index.ts'
import { Dialog } from '../../../components/dialog.tsx'
import { ErrorLine } from '../../../components/errorLine.tsx'
import { useServices, useWords } from '../../../context.tsx'
import { MessageText } from './messageText.tsx'
import { when } from './words.ts'

interface VersionsDialogProps {
  readonly message: MessageView
  readonly ownId: string
  readonly now: number
  readonly onLink: (address: string) => void
  readonly onClose: () => void
}

/** All versions of an edited message, the current one first; each is asked for anew, nothing is kept. */
export function VersionsDialog({ message, ownId, now, onLink, onClose }: VersionsDialogProps) {
  const { text, dates } = useWords()
  const { client } = useServices()
  const [versions, setVersions] = useState<readonly MessageVersion[] | null>(null)
  const [error, setError] = useState<ErrorReport | null>(null)
  const { authorId, messageId, editedAt } = message
  useEffect(() => {
    let left = false
    void client.call('message.versions', { authorId, messageId }).then((answer) => {
      if (left) return
      if (answer.ok) setVersions(answer.value.versions)
      else setError(answer.error)
    })
    return () => {
      left = true
    }
  }, [client, authorId, messageId, editedAt])
  const title = (index: number, count: number) =>
    index === 0 ? 'versions.current' : index === count - 1 ? 'versions.first' : 'versions.former'
  return (
    <Dialog
      title={text('versions.title')}
      onClose={onClose}
      footer={
        <button type="button" className="btn lg" data-first="" onClick={onClose}>
          {text('dialog.close')}
        </button>
      }
    >
      {versions === null && error === null && <p className="hint">{text('versions.loading')}</p>}
      <ErrorLine error={error} />
      <ol className="versions">
        {versions?.map((version, index) => (
          <li key={index}>
            <h3>{text(title(index, versions.length), { time: when(dates, version.sentAt, now) })}</h3>
            <MessageText
              value={version.text}
              formats={version.formats}
              mentions={version.mentions}
              ownId={ownId}
              reachable
              onLink={onLink}
            />
          </li>
        ))}
      </ol>
    </Dialog>
  )
}
