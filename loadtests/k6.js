// k6 against order-api: `k6 run loadtests/k6.js`. BASE says where it is, RATE how many orders a second.
import http from "k6/http";
import { check } from "k6";

const base = __ENV.BASE || "http://127.0.0.1:8080";
const rate = Number(__ENV.RATE || 100);

export const options = {
  scenarios: {
    orders: {
      executor: "ramping-arrival-rate",
      startRate: rate / 4,
      timeUnit: "1s",
      preAllocatedVUs: 50,
      maxVUs: 500,
      stages: [
        { target: rate, duration: "5s" },
        { target: rate, duration: "10s" },
      ],
    },
  },
  // payment fails once in twenty, whatever the design does.
  thresholds: {
    http_req_failed: ["rate<0.15"],
    http_req_duration: ["p(95)<2000"],
  },
};

export default function () {
  const order = JSON.stringify({
    customer_id: `c${__VU}`,
    items: [{ product_id: "PIZZA-1", quantity: 2, price: 9.5 }],
  });
  const answer = http.post(`${base}/orders`, order, { headers: { "Content-Type": "application/json" } });
  check(answer, { "the order is paid": (response) => response.status === 200 });
}
