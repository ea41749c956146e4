import { describeReplicas } from './replicas.ts';

describeReplicas({ waiting: 100, expired: 30 });
