{{- define "taskhand.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "taskhand.selector" -}}
app.kubernetes.io/name: taskhand
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "taskhand.labels" -}}
{{ include "taskhand.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}
