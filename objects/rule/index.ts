/** The object type `rule`: records because of events (docs/spec/config.md 10.3). */
import { RecordControl } from '#capability/record-control';
import { many, one } from '#core/capability';
import { defineObjectType } from '#core/define';
import { House, Published } from '#core/published';
import { RuleControl } from '#interface/rule-control';
import { checkRule, ruleConfig } from './config.ts';

export default defineObjectType({
  type: 'rule',
  summary: 'Starts and stops recordings because of events of the objects linked with it.',
  stage: 'main',
  config: ruleConfig,
  provides: {},
  consumes: { controllers: many(RecordControl), objects: many(Published), house: one(House) },
  interfaces: [RuleControl],
  check: checkRule,
  create: async context => {
    const { Rule } = await import('./rule.ts');
    return new Rule(context);
  },
});
