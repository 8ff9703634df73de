import { useState } from 'react'
import type { ErrorReport } from '../../../src/base/errors.ts'
import type { ConversationView } from '../../../src/contract/index.ts'
import { Dialog } from '../../components/dialog.tsx'
import { ErrorLine } from '../../components/errorLine.tsx'
import { useServices, useText } from '../../context.tsx'

interface BlockDialogProps {
  readonly conversation: ConversationView
  readonly onClose: () => void
}

export function BlockDialog({ conversation, onClose }: BlockDialogProps) {
  const text = useText()
  const { client } = useServices()
  const [error, setError] = useState<ErrorReport | null>(null)
  const { conversationId, person } = conversation
  const block = async (): Promise<void> => {
    const answer = await client.call('conversation.block', { conversationId, blocked: true })
    if (answer.ok) onClose()
    else setError(answer.error)
  }
  return (
    <Dialog
      title={text('block.title', { name: person.displayName })}
      narrow
      onClose={onClose}
      footer={
        <>
          <button type="button" className="btn lg" data-first="" onClick={onClose}>
            {text('dialog.cancel')}
          </button>
          <button type="button" className="btn dgr lg" onClick={() => void block()}>
            {text('block.confirm')}
          </button>
        </>
      }
    >
      <p className="prose">{text('block.explain')}</p>
      <ErrorLine error={error} />
    </Dialog>
  )
}
