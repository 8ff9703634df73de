import { budgetNames, type BudgetName } from '../budgets/table.ts'
import { operatorContext } from '../data/actor.ts'
import { allowBudget, readBudgets, resetBudget } from '../data/budgets.ts'
import { flagOption, placeOptions, textOption, type Command } from './command.ts'
import { dataFolder } from './place.ts'
import { missing, type Values } from './values.ts'

/** Past it a limit would not be one. */
const hardMax = 1_000_000
const daysMax = 365

const show: Command = {
  name: 'budgets show',
  usage: 'relayCommand.usage.budgetsShow',
  options: { ...placeOptions, account: textOption, json: flagOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const uses = await readBudgets(await dataFolder(call), values.needed('account'))
    if (values.flag('json')) {
      terminal.out(JSON.stringify(uses))
      return
    }
    for (const { budget, used, allowance, set, windowMs } of uses) {
      const what = text(`relayBudget.${budget}`)
      const hours = windowMs / 3_600_000
      terminal.out(text('relayBudgets.line', { budget, what, used, ...allowance, hours, set: String(set) }))
    }
  },
}

const allow: Command = {
  name: 'budgets allow',
  usage: 'relayCommand.usage.budgetsAllow',
  options: {
    ...placeOptions,
    account: textOption,
    budget: textOption,
    limit: textOption,
    days: textOption,
    reason: textOption,
  },
  run: async (call) => {
    const { values, terminal, text } = call
    const setting = {
      budget: budgetOf(values),
      hard: values.number('limit', 0, hardMax) ?? missing('limit'),
      days: values.number('days', 1, daysMax) ?? 1,
    }
    const [account, reason] = [values.needed('account'), reasonOf(values)]
    await allowBudget(await dataFolder(call), account, setting, reason, operatorContext())
    const { budget, hard, days } = setting
    terminal.out(text('relayBudgets.allowed', { what: text(`relayBudget.${budget}`), limit: hard, days }))
  },
}

const reset: Command = {
  name: 'budgets reset',
  usage: 'relayCommand.usage.budgetsReset',
  options: { ...placeOptions, account: textOption, budget: textOption, reason: textOption },
  run: async (call) => {
    const { values, terminal, text } = call
    const [account, budget, reason] = [values.needed('account'), budgetOf(values), reasonOf(values)]
    await resetBudget(await dataFolder(call), account, budget, reason, operatorContext())
    terminal.out(text('relayBudgets.reset', { what: text(`relayBudget.${budget}`) }))
  },
}

export const budgetsCommands: readonly Command[] = [show, allow, reset]

function budgetOf(values: Values): BudgetName {
  return values.oneOf('budget', budgetNames) ?? missing('budget')
}

/** It goes into the journal: one line. */
export function reasonOf(values: Values): string {
  const reason = values.needed('reason')
  return /^\P{Cc}{1,200}$/u.test(reason) ? reason : missing('reason')
}
