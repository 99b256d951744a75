// The rules and alerts of dashboards/ for the Prometheus Operator:
//
//     jsonnet prometheusrule.jsonnet | kubectl apply --filename -
local mixin = import '../../../../dashboards/mixin.libsonnet';

{
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'jemalloc-exporter' },
  spec: { groups: mixin.prometheusRules.groups + mixin.prometheusAlerts.groups },
}
