import { expect, test } from 'vitest'
import { accountRoles, type AccountRole } from '../accounts/standing.ts'
import { may, rights, rightsOf, type Right } from './rights.ts'
import { adminRouteNames, adminRoutes } from './routes.ts'

/** The whole table, by hand: who may do what. */
const table: Readonly<Record<Right, readonly AccountRole[]>> = {
  'overview.read': ['administrator', 'auditor', 'securityOfficer'],
  'journal.read': ['administrator', 'auditor', 'securityOfficer'],
  'alerts.read': ['administrator', 'auditor', 'securityOfficer'],
  'budgets.read': ['administrator', 'auditor', 'securityOfficer'],
  'accounts.read': ['administrator', 'securityOfficer'],
  'alerts.acknowledge': ['administrator', 'securityOfficer'],
  'budgets.reset': ['administrator', 'securityOfficer'],
  'devices.end': ['administrator', 'securityOfficer'],
  'accounts.invite': ['administrator'],
  'accounts.disable': ['administrator'],
  'accounts.enable': ['administrator'],
}

test('each right is the roles’ that the table names, and no other’s', () => {
  for (const right of rights)
    for (const role of accountRoles)
      expect(may(role, right), `${role} ${right}`).toBe(table[right].includes(role))
  expect([rightsOf('member'), rightsOf('guest')]).toEqual([[], []])
})

test('an auditor changes nothing: every route that it may call is a GET', () => {
  for (const name of adminRouteNames) {
    const { method, access } = adminRoutes[name]
    if (access !== 'public' && access !== 'session' && may('auditor', access))
      expect(method, name).toBe('GET')
  }
})

test('nothing but what opens a session is public, and nothing that changes anything is a GET', () => {
  expect(adminRouteNames.filter((name) => adminRoutes[name].access === 'public')).toEqual([
    'beginRegistration',
    'finishRegistration',
    'beginSignIn',
    'finishSignIn',
    'stepUp',
    'beginStepUp',
    'finishStepUp',
  ])
  for (const name of adminRouteNames) {
    const { method, access } = adminRoutes[name]
    const reads = access === 'session' ? name === 'session' : access.endsWith('.read')
    expect(method, name).toBe(reads ? 'GET' : 'POST')
  }
})
