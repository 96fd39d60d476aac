package notify

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"volcard/internal/clock"
	"volcard/internal/store/messagestore"
)

var at = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// The vector that Alibaba publishes with its description of the signature.
func TestACS3Vector(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"https://ecs.cn-shanghai.aliyuncs.com/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai", nil)
	require.NoError(t, err)
	acsSign(r, nil, "RunInstances", "2014-05-26", "3156853299f313e23d1673dc12e1703d", "YourAccessKeyId", "YourAccessKeySecret",
		time.Date(2023, 10, 26, 10, 22, 32, 0, time.UTC))
	require.Equal(t, "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"+
		"SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"+
		"Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0", r.Header.Get("Authorization"))
}

func TestACSQuery(t *testing.T) {
	t.Parallel()
	require.Equal(t, "A=%20%2A~%2B%2F%E6%B1%89&B=", acsQuery(map[string][]string{"B": {""}, "A": {" *~+/汉"}}))
}

// The vector that Tencent publishes with its description of the signature.
func TestTC3Vector(t *testing.T) {
	t.Parallel()
	body := []byte(`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://cvm.tencentcloudapi.com/", nil)
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	got := tc3Sign(r, body, "cvm", "AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******", "Gu5t9xGARNpq86cd98joQYCN3*******", time.Unix(1551113065, 0))
	require.Equal(t, "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3*******/2019-02-25/cvm/tc3_request, "+
		"SignedHeaders=content-type;host, Signature=2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c", got)
}

// call is what a fake gateway saw, after it had checked the signature.
type call struct {
	action string
	params map[string]string
	body   map[string]any
}

// fake answers as a gateway on loopback does: it refuses what is not signed right.
func fake(t *testing.T, check func(r *http.Request, body []byte) string, answer func(call) (int, string)) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if want, got := check(r, body), r.Header.Get("Authorization"); want != got {
			t.Errorf("signature:\nwant %s\n got %s", want, got)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		c := call{action: r.Header.Get("X-Acs-Action") + r.Header.Get("X-Tc-Action"), params: map[string]string{}}
		for k, v := range r.URL.Query() {
			c.params[k] = v[0]
		}
		_ = json.Unmarshal(body, &c.body)
		status, text := answer(c)
		if status == 0 { // the line goes dead after the request was read
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s
}

func config(gateway, endpoint string) Config {
	ids := map[string]string{"code": "T0"}
	for _, tpl := range Templates() {
		if !strings.HasPrefix(tpl.Name, "code-") {
			ids[strings.ReplaceAll(tpl.Name, "-", "_")] = "T-" + tpl.Name
		}
	}
	return Config{
		Gateway: gateway, KeyID: "id", KeySecret: "secret", SignName: "湖北志愿者证", Templates: ids,
		TencentAppID: "1400", Endpoint: endpoint, Timeout: 10 * time.Second,
	}
}

func alibaba(t *testing.T, answer func(call) (int, string)) Gateway {
	t.Helper()
	now := clock.NewFake(at)
	s := fake(t, func(r *http.Request, body []byte) string {
		// Signed again from what came over the wire.
		again, err := http.NewRequestWithContext(t.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), nil)
		if err != nil {
			return err.Error()
		}
		acsSign(again, body, r.Header.Get("X-Acs-Action"), "2017-05-25", r.Header.Get("X-Acs-Signature-Nonce"), "id", "secret", at)
		return again.Header.Get("Authorization")
	}, answer)
	g, err := New(config("alibaba", s.URL), messagestore.Outbox{}, now)
	require.NoError(t, err)
	return g
}

func tencent(t *testing.T, answer func(call) (int, string)) Gateway {
	t.Helper()
	s := fake(t, func(r *http.Request, body []byte) string {
		r.URL.Host = r.Host
		return tc3Sign(r, body, "sms", "id", "secret", at)
	}, answer)
	g, err := New(config("tencent", s.URL), messagestore.Outbox{}, clock.NewFake(at))
	require.NoError(t, err)
	return g
}

var ready = Request{
	Phone: "13800000001", Template: "card-ready", DedupeID: "0193-abc",
	Params: map[string]string{"number": "HB26112300012345", "branch": "光谷支行 (演示)", "code": "12345678", "by": "12月23日", "until": "2026年12月23日"},
}

func TestAlibabaSend(t *testing.T) {
	t.Parallel()
	g := alibaba(t, func(c call) (int, string) {
		require.Equal(t, "SendSms", c.action)
		require.Equal(t, map[string]string{
			"PhoneNumbers": "13800000001", "SignName": "湖北志愿者证", "TemplateCode": "T-card-ready", "OutId": "0193-abc",
			"TemplateParam": `{"branch":"光谷支行 (演示)","by":"12月23日","code":"12345678"}`,
		}, c.params)
		return 200, `{"Code":"OK","Message":"OK","BizId":"biz^0","RequestId":"r"}`
	})
	receipt, err := g.Send(context.Background(), ready)
	require.NoError(t, err)
	require.Equal(t, "biz^0", receipt)
}

func TestTencentSend(t *testing.T) {
	t.Parallel()
	g := tencent(t, func(c call) (int, string) {
		require.Equal(t, "SendSms", c.action)
		require.Equal(t, map[string]any{
			"PhoneNumberSet": []any{"+8613800000001"}, "SmsSdkAppId": "1400", "SignName": "湖北志愿者证",
			"TemplateId": "T-card-ready", "SessionContext": "0193-abc",
			"TemplateParamSet": []any{"12月23日", "12345678", "光谷支行 (演示)"},
		}, c.body)
		return 200, `{"Response":{"SendStatusSet":[{"SerialNo":"s1","Code":"Ok"}],"RequestId":"r"}}`
	})
	receipt, err := g.Send(context.Background(), ready)
	require.NoError(t, err)
	require.Equal(t, "s1", receipt)
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(" ", maxAnswer+1)
	for name, c := range map[string]struct {
		make      func(*testing.T, func(call) (int, string)) Gateway
		status    int
		answer    string
		outcome   Outcome
		permanent bool
	}{
		"alibaba: wrong number":        {alibaba, 200, `{"Code":"isv.MOBILE_NUMBER_ILLEGAL","Message":"13800000001"}`, Refused, true},
		"alibaba: flow control":        {alibaba, 200, `{"Code":"isv.BUSINESS_LIMIT_CONTROL"}`, Refused, false},
		"alibaba: no money":            {alibaba, 200, `{"Code":"isv.AMOUNT_NOT_ENOUGH"}`, Refused, false},
		"alibaba: throttled":           {alibaba, 429, `{"Code":"Throttling.User"}`, Refused, false},
		"alibaba: bad key":             {alibaba, 404, `{"Code":"InvalidAccessKeyId.NotFound"}`, Refused, false},
		"alibaba: its own trouble":     {alibaba, 200, `{"Code":"isp.SYSTEM_ERROR"}`, Unknown, false},
		"alibaba: gateway page":        {alibaba, 502, `<html>`, Unknown, false},
		"alibaba: unknown 503":         {alibaba, 503, `{"Code":"Odd"}`, Unknown, false},
		"alibaba: an empty answer":     {alibaba, 200, ``, Unknown, false},
		"alibaba: no code":             {alibaba, 200, `{}`, Unknown, false},
		"alibaba: endless answer":      {alibaba, 200, long, Unknown, false},
		"alibaba: redirect":            {alibaba, 307, ``, Unknown, false},
		"alibaba: line goes dead":      {alibaba, 0, ``, Unknown, false},
		"tencent: wrong number":        {tencent, 200, `{"Response":{"SendStatusSet":[{"Code":"InvalidParameterValue.IncorrectPhoneNumber"}]}}`, Refused, true},
		"tencent: blacklist":           {tencent, 200, `{"Response":{"SendStatusSet":[{"Code":"FailedOperation.PhoneNumberInBlacklist"}]}}`, Refused, true},
		"tencent: daily limit":         {tencent, 200, `{"Response":{"SendStatusSet":[{"Code":"LimitExceeded.PhoneNumberDailyLimit"}]}}`, Refused, false},
		"tencent: template not passed": {tencent, 200, `{"Response":{"SendStatusSet":[{"Code":"FailedOperation.TemplateIncorrectOrUnapproved"}]}}`, Refused, false},
		"tencent: bad signature":       {tencent, 200, `{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure"}}}`, Refused, false},
		"tencent: its own trouble":     {tencent, 200, `{"Response":{"Error":{"Code":"InternalError.Timeout"}}}`, Unknown, false},
		"tencent: nothing said":        {tencent, 200, `{"Response":{}}`, Unknown, false},
		"tencent: line goes dead":      {tencent, 0, ``, Unknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			g := c.make(t, func(call) (int, string) { calls.Add(1); return c.status, c.answer })
			_, err := g.Send(context.Background(), ready)
			var e *SendError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.outcome, e.Outcome, e.Code)
			require.Equal(t, c.permanent, e.Permanent, e.Code)
			require.NotContains(t, err.Error(), "13800000001", "what is logged holds no phone")
			require.EqualValues(t, 1, calls.Load(), "the client never sends twice by itself")
		})
	}
}

func TestNoConnectionIsARefusal(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, name := range []string{"alibaba", "tencent"} {
		g, err := New(config(name, closed.URL), messagestore.Outbox{}, clock.NewFake(at))
		require.NoError(t, err)
		_, err = g.Send(context.Background(), ready)
		require.Equal(t, Refused, outcomeOf(err).Outcome, name)
		require.False(t, outcomeOf(err).Permanent)
		require.NotContains(t, err.Error(), "13800000001")
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	t.Parallel()
	for _, make := range []func(*testing.T, func(call) (int, string)) Gateway{alibaba, tencent} {
		g := make(t, func(call) (int, string) { t.Error("called"); return 200, "{}" })
		for _, r := range []Request{
			{Phone: "13800000001", Template: "nothing"},
			{Phone: "13800000001", Template: "card-ready", Params: map[string]string{"branch": "x"}},
		} {
			_, err := g.Send(context.Background(), r)
			require.Equal(t, Refused, outcomeOf(err).Outcome)
			require.True(t, outcomeOf(err).Permanent)
		}
	}
}

func TestAlibabaReceipt(t *testing.T) {
	t.Parallel()
	var days []string
	g := alibaba(t, func(c call) (int, string) {
		require.Equal(t, "QuerySendDetails", c.action)
		days = append(days, c.params["SendDate"])
		if c.params["SendDate"] == "20261123" {
			return 200, `{"Code":"OK","SmsSendDetailDTOs":{"SmsSendDetailDTO":[{"OutId":"other"},{"OutId":"0193-abc"}]}}`
		}
		return 200, `{"Code":"OK","SmsSendDetailDTOs":{"SmsSendDetailDTO":[]}}`
	})
	// Sent at 23:30 in Shanghai, asked after midnight.
	_, found, err := g.(Teller).Receipt(context.Background(), ready, at.Add(-90*time.Minute-8*time.Hour))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, []string{"20261122", "20261123"}, days)
	other := ready
	other.DedupeID = "0193-xyz"
	_, found, err = g.(Teller).Receipt(context.Background(), other, at)
	require.NoError(t, err)
	require.False(t, found)
}

func TestReceiptFaults(t *testing.T) {
	t.Parallel()
	for _, g := range []Gateway{
		alibaba(t, func(call) (int, string) { return 200, `{"Code":"isp.SYSTEM_ERROR"}` }),
		tencent(t, func(call) (int, string) { return 200, `{"Response":{"Error":{"Code":"InternalError"}}}` }),
		alibaba(t, func(call) (int, string) { return 502, `<html>` }),
	} {
		_, _, err := g.(Teller).Receipt(context.Background(), ready, at)
		require.Error(t, err)
		require.Positive(t, g.(Teller).Lag())
	}
}

func TestTencentReceipt(t *testing.T) {
	t.Parallel()
	answer := `{"Response":{"PullSmsSendStatusSet":[{"SerialNo":"s0","SessionContext":"other"},{"SerialNo":"s1","SessionContext":"0193-abc"}]}}`
	g := tencent(t, func(c call) (int, string) {
		require.Equal(t, "PullSmsSendStatusByPhoneNumber", c.action)
		require.Equal(t, "+8613800000001", c.body["PhoneNumber"])
		return 200, answer
	})
	receipt, found, err := g.(Teller).Receipt(context.Background(), ready, at)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "s1", receipt)
	other := ready
	other.DedupeID = "0193-xyz"
	_, found, err = g.(Teller).Receipt(context.Background(), other, at)
	require.NoError(t, err)
	require.False(t, found)
	answer = `{"Response":{"PullSmsSendStatusSet":[{"SerialNo":"s0","SessionContext":null}]}}`
	_, _, err = g.(Teller).Receipt(context.Background(), other, at)
	require.Error(t, err, "an entry without an id may be ours")
}

func TestNewRefusesGaps(t *testing.T) {
	t.Parallel()
	c := config("alibaba", "")
	delete(c.Templates, "card_lapsed")
	_, err := New(c, messagestore.Outbox{}, clock.NewFake(at))
	require.ErrorContains(t, err, "card-lapsed")
	_, err = New(config("pigeon", ""), messagestore.Outbox{}, clock.NewFake(at))
	require.Error(t, err)
	_, err = New(config("tencent", "::"), messagestore.Outbox{}, clock.NewFake(at))
	require.Error(t, err)
	for _, name := range []string{"alibaba", "tencent"} {
		_, err = New(config(name, ""), messagestore.Outbox{}, clock.NewFake(at))
		require.NoError(t, err)
	}
	g, err := New(Config{Gateway: "outbox"}, messagestore.Outbox{}, clock.NewFake(at))
	require.NoError(t, err)
	require.IsType(t, Outbox{}, g)
}
