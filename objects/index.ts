/** The object types of this build, one line each. A new type is one folder beside this file and one line here. */
import type { ObjectType } from '#core/define';

export const types: readonly ObjectType[] = [];
