import { expect, test } from 'vitest'
import * as contract from '../src/contract/calls.ts'
import { invitationCodeLength as wireLength } from '../src/wire/invitation.ts'
import { invitationCodeLength, messagePageSize, messageTextBytes } from './limits.ts'

test('the page’s limits are the contract’s', () => {
  expect(messageTextBytes).toBe(contract.messageTextBytes)
  expect(messagePageSize).toBe(contract.messagePageSize)
  expect(invitationCodeLength).toBe(wireLength)
})
