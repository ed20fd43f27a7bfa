-- For wrk, which sends GET unless told otherwise:
--   wrk -t2 -c100 -d10s --latency -s docs/order.lua http://127.0.0.1:8080/orders
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}'
