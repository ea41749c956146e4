import { describeReplicas } from '../runs/replicas.ts';

describeReplicas({ waiting: 1_000, expired: 300 });
