import { useState } from 'react'
import type { ErrorReport, Result } from '../../../../src/base/errors.ts'
import type { MessageView } from '../../../../src/contract/index.ts'
import { Dialog } from '../../../components/dialog.tsx'
import { ErrorLine } from '../../../components/errorLine.tsx'
import { useServices, useText } from '../../../context.tsx'
import type { Allowed } from './allowed.ts'

interface DeleteDialogProps {
  readonly message: MessageView
  readonly may: Allowed
  readonly name: string
  readonly onClose: () => void
}

/** Asks for whom; what has not left is taken back without a trace. */
export function DeleteDialog({ message, may, name, onClose }: DeleteDialogProps) {
  const text = useText()
  const { client } = useServices()
  const [error, setError] = useState<ErrorReport | null>(null)
  const { messageId, conversationId, authorId } = message
  const run = async (call: Promise<Result<unknown>>): Promise<void> => {
    const answer = await call
    if (answer.ok) onClose()
    else setError(answer.error)
  }
  const forMe = (): Promise<void> =>
    run(
      may.unsent
        ? client.call('message.discard', { messageId })
        : client.call('message.deleteForMe', { conversationId, messages: [{ authorId, messageId }] }),
    )
  return (
    <Dialog
      title={text('delete.title')}
      narrow
      onClose={onClose}
      footer={
        <>
          <button type="button" className="btn lg" data-first="" onClick={onClose}>
            {text('dialog.cancel')}
          </button>
          <button type="button" className="btn dgr-o lg" onClick={() => void forMe()}>
            {text(may.unsent ? 'delete.confirm' : 'delete.forMe')}
          </button>
          {may.removeForEveryone && (
            <button
              type="button"
              className="btn dgr lg"
              onClick={() => void run(client.call('message.deleteForEveryone', { messageId }))}
            >
              {text('delete.forEveryone')}
            </button>
          )}
        </>
      }
    >
      <div className="col prose">
        {may.unsent ? <p>{text('delete.unsent')}</p> : <p>{text('delete.forMeHint', { name })}</p>}
        {may.removeForEveryone && <p>{text('delete.forEveryoneHint', { name })}</p>}
        <ErrorLine error={error} />
      </div>
    </Dialog>
  )
}
